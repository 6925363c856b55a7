# The agent.
