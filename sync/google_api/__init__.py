"""Google's API: the client, its replies and failures as values, the tokens of accounts, and the budget of requests."""
