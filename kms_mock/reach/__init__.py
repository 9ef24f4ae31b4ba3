"""How an unchanged program reaches the mock: interception in its own process."""
