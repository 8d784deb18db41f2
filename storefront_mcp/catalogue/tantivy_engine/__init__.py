"""The search index of tantivy, in the process and on disk; imported only where a mirror is on."""
