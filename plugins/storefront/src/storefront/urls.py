"""The addresses of the shop, below wherever the plugin is mounted."""

from __future__ import annotations

from django.urls import path

from storefront.views import assets, basket, catalogue, checkout, order, payment

app_name = "storefront"

urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    path("products/<path:sku>/", catalogue.product, name="product"),
    path("pictures/<path:sku>", assets.picture, name="picture"),
    path("assets/htmx.js", assets.htmx, name="htmx"),
    path("language/", assets.language, name="language"),
    path("basket/", basket.basket, name="basket"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("order/<str:order_id>/<str:token>/", order.order, name="order"),
    path("order/<str:order_id>/<str:token>/live/", order.live, name="live"),
    path("order/<str:order_id>/<str:token>/cancel/", order.cancel, name="cancel"),
    path("order/<str:order_id>/<str:token>/pay/", payment.pay, name="pay"),
    path("order/<str:order_id>/<str:token>/pay/<str:payment_id>/", payment.step, name="step"),
    path("order/<str:order_id>/<str:token>/return/<str:code>/", payment.returned, name="return"),
    path("order/<str:order_id>/<str:token>/unpaid/", payment.unpaid, name="unpaid"),
]
