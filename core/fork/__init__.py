"""What if: a pump's history goes on from an instant under other settings, decided anew."""
