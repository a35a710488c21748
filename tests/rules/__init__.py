"""Parts of the rule machine: the promises as a model, simulated devices, and a controlled stack."""
