"""What the documentation site is made of besides its pages: pages and plots from data."""
