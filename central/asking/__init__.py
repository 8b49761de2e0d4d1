"""What people and programs ask: a question is a function that returns values; the API shows them as JSON, pages as HTML."""
