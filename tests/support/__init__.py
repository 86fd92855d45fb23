"""What several folders of tests share: fakes, processes, databases, and their clients."""
