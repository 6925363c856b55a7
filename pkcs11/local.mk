# What talks to HSM tokens: a library for the agent and hintsign-key.
