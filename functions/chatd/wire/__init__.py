"""What crosses a wire: the shapes of requests and answers, one file a speaker."""
