"""Physics-informed networks for equations written as text."""
