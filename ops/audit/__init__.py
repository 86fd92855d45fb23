"""Compares journal, orders, tickets and stock across all databases."""
