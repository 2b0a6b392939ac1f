"""How `footfall import` reads the orders that these tests write."""

MAPPING = """
kind = "purchases"
site = "shop"

[columns]
order_id = "id"
user_id = "user"
time = "time"
product_id = "product"
quantity = "quantity"
line_total = "total"

[constants]
currency = "USD"

[time]
zone = "UTC"
"""
