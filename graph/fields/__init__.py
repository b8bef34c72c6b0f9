"""How fields show rows: what each is made of, which columns a document needs, and code made for plain selections.

Knows no noun: the types of the API declare their fields with it.
"""
