"""Access: keys, people, sessions and codes in the gateway's database, and who a caller is."""
