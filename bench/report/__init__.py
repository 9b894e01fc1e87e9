"""Write docs/performance.md: results, tables, budgets and the plot."""
