"""The servers against peers that do not keep to the rules."""
