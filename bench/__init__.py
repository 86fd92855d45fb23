"""The benchmark: Comanda, with everything durable, beside what a user would pick instead, in one run on one machine."""
