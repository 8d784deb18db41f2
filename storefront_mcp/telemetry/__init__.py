"""What operators see from outside, numbers, traces and logs: implements the ports of `calls.watching`."""
