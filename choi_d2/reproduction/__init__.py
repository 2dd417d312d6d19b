"""The tables of the paper's Sec. 4 as runs: what they are, what they share, what came out."""
