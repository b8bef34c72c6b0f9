"""The stand-in's sign-in: consent and tokens."""
