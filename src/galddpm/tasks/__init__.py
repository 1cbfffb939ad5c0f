"""What a kind of run trains: its model, loss, batches, and looks during training.

`denoising` trains a denoiser, `distillation` a student of a denoiser, and `photoz` the judge's
redshift CNN. `select` chooses between them by the config, and is the only place that does.
"""
