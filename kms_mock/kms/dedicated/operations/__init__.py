"""The operations of the dedicated gateway. A parameter's place is its number in the message, so is a result's field's."""
