"""Files in and out and the jobs behind them, in the admin's chat."""
