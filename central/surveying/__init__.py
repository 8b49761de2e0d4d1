"""The survey: what is looked at now and then, by whichever copy is first, and what all then know of the fleet."""
