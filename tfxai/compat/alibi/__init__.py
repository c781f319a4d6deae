"""alibi's interface to gradients: `explainers.IntegratedGradients` and `utils.visualization`."""
