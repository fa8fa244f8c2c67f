"""Numbers, instants and glucose files as people and devices write them: text in, values or a
reasoned refusal out.
"""
