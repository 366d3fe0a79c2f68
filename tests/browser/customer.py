"""What a person does in the shop, in their words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.running_shop import RunningShop

ORDER = re.compile(r"/order/[^/]+/[^/]+/$")


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with a browser, in a shop."""

    page: Page
    shop: RunningShop

    def choose(self, sku: str = "105", *, quantity: int = 1) -> None:
        self.page.goto(f"{self.shop.url}/products/{sku}/")
        self.page.get_by_label("Quantity").fill(str(quantity))
        self.page.get_by_role("button", name="Put into the basket").click()
        expect(self.page.get_by_text("It's in your basket.")).to_be_visible()

    def fill_in(self, *, way: str) -> None:
        self.page.goto(f"{self.shop.url}/checkout/")
        self.page.get_by_label("Name").fill("Ada Example")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Street and number").fill("Lane 1")
        self.page.get_by_label("Town").fill("Town")
        self.page.get_by_label("Country").select_option("DE")
        self.page.get_by_role("radio", name=way, exact=True).check()

    def buy(self) -> None:
        self.page.get_by_role("button", name="Buy now").click()

    def order_and_leave_to_pay(self, *, way: str) -> None:
        """Choose, fill in, press: and stand before the provider's page."""
        self.choose()
        self.fill_in(way=way)
        self.buy()
        self.page.wait_for_url(lambda url: url.startswith(self.shop.bank))

    def pay_with_card(self, number: str = "4242 4242 4242 4242") -> None:
        self.page.get_by_label("Card number").fill(number)
        self.page.get_by_role("button", name="Pay").click()

    def approve(self, *, funding: str = "GOOD", do: str = "Approve") -> None:
        self.page.get_by_label("Pay with").select_option(funding)
        self.page.get_by_role("button", name=do).click()

    def reads(self, headline: str) -> None:
        """Be back on the page of the order, and read this on top of it."""
        self.page.wait_for_url(ORDER)
        expect(self.page.get_by_role("heading", level=1)).to_have_text(headline)
