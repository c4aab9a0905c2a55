"""Few directions known at call: tr(σσᵀ∇²u) as second derivatives along the columns of σ."""
