

evt-1 ³í™Ç 4Bchip