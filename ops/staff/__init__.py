"""Commands of the staff, over the gateway's REST API: `tickets`, `move`, `stock`, `sell`, `watch`."""
