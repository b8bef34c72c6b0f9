"""What resolvers use: the context of a request, the state that the process shares, and batched reads."""
