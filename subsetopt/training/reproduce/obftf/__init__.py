"""One Backward from Ten Forward: subsampling for large-scale deep learning (Dong et al. 2021)."""
