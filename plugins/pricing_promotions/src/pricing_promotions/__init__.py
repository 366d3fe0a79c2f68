"""Promotions: percentages, amounts, pieces for free, tiers, free shipping, with or without a code."""
