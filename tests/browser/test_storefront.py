"""A person buys something: the pages, the core, both providers and a browser, all of them real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.customer import ORDER, Customer
from tests.browser.running_shop import RunningShop

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CHALLENGED = "4000 0027 6000 3184"
DECLINED = "4000 0000 0000 0002"
PAID = "Thank you!"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with RunningShop(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
def customer(page: Page, shop: RunningShop) -> Customer:
    return Customer(page, shop)


@pytest.fixture(autouse=True)
def taken_before(shop: RunningShop) -> int:
    """Count the charges in the providers' ledger before the test."""
    return shop.taken()


def test_it_is_paid_by_card(customer: Customer, taken_before: int) -> None:
    customer.order_and_leave_to_pay(way="Card")
    customer.pay_with_card()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_it_is_paid_by_card_after_the_bank_asked(customer: Customer, taken_before: int) -> None:
    customer.order_and_leave_to_pay(way="Card")
    customer.pay_with_card(CHALLENGED)
    customer.page.get_by_role("button", name="Yes, it is me").click()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_it_is_paid_after_the_bank_was_answered_wrongly_first(
    customer: Customer, taken_before: int
) -> None:
    customer.order_and_leave_to_pay(way="Card")
    customer.pay_with_card(CHALLENGED)
    customer.page.get_by_role("button", name="No, refuse").click()
    customer.pay_with_card()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_it_is_paid_after_a_card_was_declined(customer: Customer, taken_before: int) -> None:
    customer.order_and_leave_to_pay(way="Card")
    customer.pay_with_card(DECLINED)
    expect(customer.page.get_by_text("Your card was declined.").first).to_be_visible()
    customer.pay_with_card()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_it_is_paid_by_approval(customer: Customer, taken_before: int) -> None:
    customer.order_and_leave_to_pay(way="PayPal")
    customer.approve()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_a_declined_approval_can_be_tried_again_another_way(
    customer: Customer, taken_before: int
) -> None:
    customer.order_and_leave_to_pay(way="PayPal")
    customer.approve(funding="DECLINED")
    customer.reads("The payment didn't work")
    customer.page.get_by_role("radio", name="Card", exact=True).check()
    customer.page.get_by_role("button", name="Pay €7.90").click()
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))
    customer.pay_with_card()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_leaving_the_provider_leads_back_to_an_order_that_can_be_paid(
    customer: Customer, taken_before: int
) -> None:
    customer.order_and_leave_to_pay(way="PayPal")
    customer.approve(do="Cancel")
    customer.reads("One step is left")
    expect(customer.page.get_by_text("before the payment was finished")).to_be_visible()
    customer.page.get_by_role("link", name="Go on with PayPal").click()
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))
    customer.approve()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_it_is_paid_though_the_customer_never_comes_back(
    customer: Customer, browser: Browser, taken_before: int
) -> None:
    customer.choose()
    customer.fill_in(way="Card")
    with customer.page.expect_navigation(url="**/pay/**"):
        customer.buy()
    order = customer.page.url.rpartition("pay/")[0]
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))
    provider = customer.page.url
    customer.page.close()
    # The form arrives; the browser that would follow the way back is gone.
    back = customer.shop.send(provider, number="4242424242424242")

    watching = browser.new_page(locale="en-US")
    watching.goto(order)
    expect(watching.get_by_role("heading", level=1)).to_have_text(PAID, timeout=30_000)
    assert back.startswith(order)
    assert customer.shop.taken() == taken_before + 1
    watching.close()


def test_a_charge_in_doubt_offers_no_second_one_and_is_settled_before_their_eyes(
    customer: Customer, taken_before: int
) -> None:
    capture = r"POST /v2/checkout/orders/.+/capture"
    customer.order_and_leave_to_pay(way="PayPal")
    customer.shop.control("POST faults", match=capture, do="drop", when="after", times=1)
    customer.approve()

    customer.reads("We are confirming with your bank")
    expect(customer.page.get_by_text("You will not be charged twice.")).to_be_visible()
    expect(customer.page.get_by_role("radio")).to_have_count(0)
    heading = customer.page.get_by_role("heading", level=1)
    expect(heading).to_have_text(PAID, timeout=30_000)
    assert customer.shop.taken() == taken_before + 1


# What an impatient finger sends: a browser drops most of its presses, a bad line repeats them.
PRESS_THRICE = """() => {
    const form = document.querySelector("form.checkout");
    const said = new URLSearchParams(new FormData(form));
    said.set("do", "place");
    const press = () => fetch(form.action, {method: "POST", body: said, redirect: "manual"});
    return Promise.all([press(), press(), press()]).then((answers) => answers.length);
}"""


PRESS_PAY_THRICE = """() => {
    const form = document.querySelector("#pay form");
    const said = new URLSearchParams(new FormData(form));
    const press = () => fetch(form.action, {method: "POST", body: said, redirect: "manual"});
    return Promise.all([press(), press(), press()]).then((answers) => answers.length);
}"""


def another_way(customer: Customer, way: str) -> None:
    """Leave the provider's page, and choose another way to pay on the order's own."""
    customer.page.get_by_role("link", name="Back to the shop without paying").click()
    customer.reads("One step is left")
    customer.page.get_by_text("Pay another way").click()
    customer.page.get_by_role("radio", name=way, exact=True).check()
    customer.page.get_by_role("button", name="Pay €7.90").click()


def test_it_is_paid_by_approval_after_a_change_of_mind_at_the_card_page(
    customer: Customer, taken_before: int
) -> None:
    customer.order_and_leave_to_pay(way="Card")
    card_page = customer.page.url
    another_way(customer, "PayPal")
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))
    customer.approve()
    customer.reads(PAID)

    customer.page.goto(card_page)  # it is over: no card can be tried here any more
    expect(customer.page.get_by_label("Card number")).to_have_count(0)
    assert customer.shop.taken() == taken_before + 1


def test_it_is_paid_by_approval_after_a_card_was_declined(
    customer: Customer, taken_before: int
) -> None:
    customer.order_and_leave_to_pay(way="Card")
    customer.pay_with_card(DECLINED)
    expect(customer.page.get_by_text("Your card was declined.").first).to_be_visible()
    another_way(customer, "PayPal")
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))
    customer.approve()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1


def test_a_change_of_mind_after_the_card_was_charged_charges_nothing_more(
    customer: Customer, taken_before: int
) -> None:
    """The card went through in another window, and nobody has told the shop yet."""
    customer.order_and_leave_to_pay(way="Card")
    customer.shop.control("POST webhooks", hold=True)
    customer.shop.send(customer.page.url, number="4242424242424242")
    customer.page.go_back()
    order = customer.page.get_by_role("link", name="Go to your order")
    order.click()
    customer.page.get_by_text("Pay another way").click()
    customer.page.get_by_role("radio", name="PayPal", exact=True).check()
    customer.page.get_by_role("button", name="Pay €7.90").click()

    customer.reads(PAID)
    assert customer.shop.taken() == taken_before + 1
    customer.shop.control("POST webhooks", hold=False)


def test_pressing_pay_again_and_again_charges_once(customer: Customer, taken_before: int) -> None:
    customer.order_and_leave_to_pay(way="PayPal")
    customer.approve(funding="DECLINED")
    customer.reads("The payment didn't work")
    customer.page.get_by_role("radio", name="Card", exact=True).check()

    pressed = customer.page.evaluate(PRESS_PAY_THRICE)
    customer.page.get_by_role("button", name="Pay €7.90").dblclick()
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))
    customer.pay_with_card()

    customer.reads(PAID)
    assert pressed == 3
    assert customer.shop.taken() == taken_before + 1


def test_pressing_again_and_again_orders_once(customer: Customer) -> None:
    customer.choose()
    customer.fill_in(way="Card")
    before = customer.shop.orders()

    pressed = customer.page.evaluate(PRESS_THRICE)
    customer.page.get_by_role("button", name="Buy now").dblclick()
    customer.page.wait_for_url(lambda url: url.startswith(customer.shop.bank))

    assert pressed == 3
    assert customer.shop.orders() == before + 1


def test_pressing_in_two_checkouts_orders_twice(customer: Customer) -> None:
    """The control of the one above: a second order would have been counted."""
    before = customer.shop.orders()

    customer.order_and_leave_to_pay(way="Card")
    customer.order_and_leave_to_pay(way="Card")

    assert customer.shop.orders() == before + 2


def test_going_back_from_the_provider_shows_the_way_to_the_order(customer: Customer) -> None:
    customer.order_and_leave_to_pay(way="PayPal")
    before = customer.shop.orders()
    customer.page.go_back()
    customer.page.get_by_role("link", name="Go to your order").click()

    customer.reads("One step is left")
    assert customer.shop.orders() == before


def test_the_total_follows_the_basket(customer: Customer) -> None:
    customer.choose("102", quantity=2)
    customer.page.goto(f"{customer.shop.url}/basket/")
    quantity = customer.page.get_by_label("Quantity of Harbour Light")
    quantity.fill("3")
    quantity.press("Tab")

    expect(customer.page.locator(".receipt .total dd")).to_have_text("€28.50")
    expect(customer.page.locator(".count")).to_contain_text("3")


def test_it_finds_while_one_types(customer: Customer) -> None:
    customer.page.goto(customer.shop.url)
    customer.page.get_by_label("Search").press_sequentially("teapot")

    expect(customer.page.locator(".card")).to_have_count(2)


def test_an_order_is_cancelled_by_its_customer(customer: Customer) -> None:
    customer.order_and_leave_to_pay(way="Card")
    customer.page.get_by_role("link", name="Back to the shop without paying").click()
    customer.page.wait_for_url(ORDER)
    customer.page.get_by_text("Cancel this order").click()
    customer.page.get_by_role("button", name="Cancel the order").click()

    customer.reads("This order is cancelled")


def test_everything_works_without_scripts(browser: Browser, shop: RunningShop) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"{shop.url}/products/105/")
    page.get_by_role("button", name="Put into the basket").click()
    page.get_by_role("link", name="Go to the checkout").click()
    bare = Customer(page, shop)
    bare.fill_in(way="PayPal")
    bare.buy()
    page.wait_for_url(lambda url: url.startswith(shop.bank))
    bare.approve()

    bare.reads(PAID)
    context.close()


def test_it_can_be_bought_by_keyboard_alone(customer: Customer) -> None:
    page = customer.page
    page.goto(f"{customer.shop.url}/products/105/")
    page.get_by_role("button", name="Put into the basket").press("Enter")
    expect(page.get_by_text("It's in your basket.")).to_be_visible()
    page.goto(f"{customer.shop.url}/checkout/")
    page.get_by_label("Name").focus()
    for typed in ("Ada Example", "ada@example.org", "Lane 1", "", "12345", "Town", "", "Germany"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    while not page.get_by_role("radio", name="Card", exact=True).is_checked():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    page.wait_for_url(lambda url: url.startswith(customer.shop.bank))


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_is_wider_than_its_window(customer: Customer, width: int) -> None:
    customer.page.set_viewport_size({"width": width, "height": 800})
    customer.choose()
    customer.fill_in(way="Card")

    for path in ("/", "/products/105/", "/basket/", "/checkout/"):
        customer.page.goto(f"{customer.shop.url}{path}")
        wide = customer.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
