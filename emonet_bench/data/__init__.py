"""From a corpus to a dataset: cards and tables, label maps, partitions, the opened corpus, its clips in memory."""
