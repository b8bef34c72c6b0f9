"""How the API's types declare fields that show rows, which columns a document needs, and the compiler of selections.

Imports no type of the API; they declare their fields with it.
"""
