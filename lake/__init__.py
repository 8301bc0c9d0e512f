"""What the data is: contracts, tables, layout, catalog, query, history, the law."""
