
evt-1
chargeback Ð‘°ˆ£4