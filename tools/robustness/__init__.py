"""Does each comparison of the chapters hold under other seeds, rates and budgets?"""
