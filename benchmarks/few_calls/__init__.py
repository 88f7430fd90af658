"""A few-step student beside its teacher at many numbers of network calls: usefulness, adherence, realism."""
