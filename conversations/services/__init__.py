"""Services: each durable change that users make has exactly one function here, called by every transport."""
