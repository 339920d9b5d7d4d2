"""How Important is Importance Sampling for Deep Budgeted Training? (Arazo et al. 2021)."""
