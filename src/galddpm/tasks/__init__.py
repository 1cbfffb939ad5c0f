"""What a kind of run trains: its model, loss, batches and looks during training."""
