"""Mail by SMTP: the sender, and the confirmation that a buyer gets of an order."""
