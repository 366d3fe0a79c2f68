"""The pages of a shop, over `request.shop` and nothing else."""
