"""The stages of the flow: each folds one topic into its state, rows and messages. Pure but for delivery."""
