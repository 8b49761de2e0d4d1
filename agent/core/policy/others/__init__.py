"""The rules of other clients that enforce a managed policy of their own from the device, one module per client.

Every module has the same shape: the client's documents, as one user's client may read them → a `ClientPolicy` → its verdict on
each server. Pure and total: any bytes give a policy, or a state that says why there is none.
"""
