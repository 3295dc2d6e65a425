"""What people and networks say about images: markers, boxes, results and their exchange formats."""
