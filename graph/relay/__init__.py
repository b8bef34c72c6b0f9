"""What all types of the API share: global ids, connections, payloads of mutations, arguments. Imports none of them."""
