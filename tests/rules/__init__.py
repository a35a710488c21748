"""What the rule machine (tests/conversations/test_rule_machine.py) stands on: the promises as a small model, phones that live by the contract,
and a stack in one process whose postman does as it is told."""
