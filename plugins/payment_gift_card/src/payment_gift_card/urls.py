"""The addresses of this plugin's pages, below wherever it is mounted."""

from __future__ import annotations

from django.urls import path

from payment_gift_card import views

app_name = "payment_gift_card"

urlpatterns = [
    path("", views.balance, name="balance"),
    path("issue/", views.issue_card, name="issue"),
]
