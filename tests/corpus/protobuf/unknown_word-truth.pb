
evt-1
chargeback ³í™Ç 4