"""Parts of the rule machine (tests/conversations/test_rule_machine.py): the promises as a model, simulated
devices, and a stack in one process whose channel layer the test controls."""
